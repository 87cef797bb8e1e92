;; refused: validation (WX-13)
(component
  (core module
    (memory 1 (pagesize 1)))
)
