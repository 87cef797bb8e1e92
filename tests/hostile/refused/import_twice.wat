;; refused: malformed (WX-01)
;; Two imports of one name, of which only the first would be looked at.
(component
  (import "wasi:io/poll@0.2.0" (instance))
  (import "wasi:io/poll@0.2.0" (instance (export "poll" (func))))
)
