;; refused: import (WX-01, EG-01)
(component
  (import "wasi:sockets/tcp-create-socket@0.2.0" (instance
    (export "error-code" (type (sub resource)))))
)
