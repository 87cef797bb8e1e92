;; refused: validation (WX-13)
(component
  (type $s (stream u8))
  (import "in" (func (param "s" $s)))
)
