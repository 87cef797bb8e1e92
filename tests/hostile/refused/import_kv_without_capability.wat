;; refused: import (WX-01)
;; With a manifest that declares no capability of kind `kv`. (The types of the function are not those of the contract;
;; the name alone must be enough.)
(component
  (import "portcullis:plugin/kv@0.1.0" (instance
    (export "get" (func (param "capability" string) (param "key" string) (result (option (list u8)))))))
)
