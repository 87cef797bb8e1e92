;; refused: import (WX-01)
(component
  (import "portcullis:plugin/log@9.0.0" (instance (export "write" (func (param "message" string)))))
)
