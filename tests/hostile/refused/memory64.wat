;; refused: validation (WX-13)
(component
  (core module
    (memory i64 1))
)
