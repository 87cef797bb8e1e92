;; refused: malformed (WX-01)
;; A name in letters that look like others.
(component
  (import "wasi:іo/poll@0.2.0" (instance))
)
