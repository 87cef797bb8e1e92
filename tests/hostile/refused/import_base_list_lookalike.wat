;; refused: import (WX-01)
(component
  (import "wasi:cli/environment-extra@0.2.0" (instance (export "do" (func))))
)
