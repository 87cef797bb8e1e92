;; refused: validation (WX-13)
(component
  (type $f (future u8))
  (import "in" (func (param "f" $f)))
)
