;; refused: memory (WX-30)
;; Asks for 4 GiB before it begins.
(component
  (core module $m
    (memory 65536))
  (core instance (instantiate $m))
)
