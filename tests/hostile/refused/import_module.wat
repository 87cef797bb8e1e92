;; refused: import (WX-01)
(component
  (import "helper" (core module))
)
