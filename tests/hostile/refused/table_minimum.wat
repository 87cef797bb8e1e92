;; refused: tables (WX-30)
;; Asks for ten million elements before it begins.
(component
  (core module $m
    (table 10000000 funcref))
  (core instance (instantiate $m))
)
