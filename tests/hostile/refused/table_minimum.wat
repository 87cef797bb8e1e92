;; refused: tables (WX-30)
;; Asks for ten million elements before it begins.
(component
  (core module
    (table 10000000 funcref))
)
