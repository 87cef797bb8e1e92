;; refused: import (WX-01, EG-01)
(component
  (import "wasi:sockets/ip-name-lookup@0.2.0" (instance
    (export "resolve-address-stream" (type (sub resource)))))
)
