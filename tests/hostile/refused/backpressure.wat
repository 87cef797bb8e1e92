;; refused: validation (WX-13)
(component
  (core func (canon backpressure.inc))
)
