;; refused: export (RG-40)
(component
  (instance $nothing)
  (export "portcullis:plugin/tools@9.0.0" (instance $nothing))
)
