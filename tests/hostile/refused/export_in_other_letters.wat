;; refused: malformed (WX-01)
;; Two exports whose names differ in the case of their letters only.
(component
  (component $c)
  (export "a-b" (component $c))
  (export "A-B" (component $c))
)
