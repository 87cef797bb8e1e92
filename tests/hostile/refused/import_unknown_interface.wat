;; refused: import (WX-01)
(component
  (import "portcullis:plugin/everything@0.1.0" (instance (export "do" (func))))
)
