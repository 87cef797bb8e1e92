;; refused: validation (WX-13)
(component
  (core module
    (type (struct (field i32))))
)
