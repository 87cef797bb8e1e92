;; refused: malformed (WX-01)
;; Two exports of one name: who looks for it could find either.
(component
  (component $c)
  (export "a-b" (component $c))
  (export "a-b" (component $c))
)
