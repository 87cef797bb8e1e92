;; refused: export (RG-40)
;; It is a component, and not a plugin: it does not export `portcullis:plugin/tools`.
(component
)
