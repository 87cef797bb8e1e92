;; refused: validation (WX-13)
(component
  (core module
    (type $f (func))
    (type $c (cont $f)))
)
