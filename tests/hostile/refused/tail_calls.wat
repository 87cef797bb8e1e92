;; refused: validation (WX-13)
(component
  (core module
    (func $next (return_call $next)))
)
