;; refused: validation (WX-13)
(component
  (type $e error-context)
  (import "in" (func (param "e" $e)))
)
