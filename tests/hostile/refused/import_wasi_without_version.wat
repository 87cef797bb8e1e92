;; refused: import (WX-01)
(component
  (import "wasi:cli/environment" (instance (export "do" (func))))
)
