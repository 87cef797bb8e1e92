;; refused: validation (WX-13)
(component
  (core module
    (func (param anyref)))
)
