;; refused: validation (WX-13)
(component
  (core module
    (tag $e)
    (func try catch $e end))
)
