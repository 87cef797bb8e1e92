;; refused: validation (WX-13)
(component
  (core type $start (shared (func (param i32))))
  (core func (canon thread.spawn-ref $start))
)
