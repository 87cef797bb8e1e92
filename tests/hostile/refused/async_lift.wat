;; refused: validation (WX-13)
(component
  (core module $m
    (func (export "call") (result i32) (i32.const 0))
    (func (export "callback") (param i32 i32 i32) (result i32) (i32.const 0)))
  (core instance $i (instantiate $m))
  (alias core export $i "callback" (core func $callback))
  (func (export "call") async (canon lift (core func $i "call") async (callback $callback)))
)
