;; refused: export (RG-40)
;; The name is right, and `call` takes nothing and gives nothing.
(component
  (core module $m (func (export "call")))
  (core instance $i (instantiate $m))
  (func $call (canon lift (core func $i "call")))
  (instance $tools (export "call" (func $call)))
  (export "portcullis:plugin/tools@0.1.0" (instance $tools))
)
