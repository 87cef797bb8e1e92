;; refused: not a component
(module (func (export "call")))
