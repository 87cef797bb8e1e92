;; refused: import (WX-01, EG-01)
(component
  (import "wasi:http/outgoing-handler@0.2.0" (instance
    (export "handle" (func (param "url" string) (result string)))))
)
