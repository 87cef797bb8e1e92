;; refused: import (WX-01)
(component
  (import "run" (func (param "command" string)))
)
