;; refused: memory (WX-30)
;; Asks for 4 GiB before it begins.
(component
  (core module
    (memory 65536))
)
