;; Expected: trap. While the plugin runs it calls a component nested in it, which would enter the plugin a second time (WX-20).
(type $thing (resource (rep i32)))
(core func $new (canon resource.new $thing))
(component $keeper
  (import "thing" (type $thing (sub resource)))
  (core module $keeper
    (global $kept (export "kept") (mut i32) (i32.const 0))
    (func (export "keep") (param i32) (global.set $kept (local.get 0))))
  (core instance $keeper (instantiate $keeper))
  (func (export "keep") (param "thing" (borrow $thing)) (canon lift (core func $keeper "keep"))))
(instance $keeper (instantiate $keeper (with "thing" (type $thing))))
(core func $keep (canon lower (func $keeper "keep")))
(core module $module
  (import "thing" "new" (func $new (param i32) (result i32)))
  (import "thing" "keep" (func $keep (param i32)))
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 32768))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $start i32)
    (local.set $start (global.get $next))
    (global.set $next (i32.and (i32.add (i32.add (local.get $start) (local.get 3)) (i32.const 7)) (i32.const -8)))
    (local.get $start))
  ;; done: one text, `x`.
  (data (i32.const 1024) "\00\00\00\00" "\30\04\00\00" "\01\00\00\00")
  (data (i32.const 0x430) "\00\00\00\00" "\70\04\00\00" "\01\00\00\00")
  (data (i32.const 0x470) "x")
  (func (export "call") (param i32 i32 i32 i32) (result i32) (call $keep (call $new (i32.const 7))) (i32.const 1024)))
(core instance $guest (instantiate $module
  (with "thing" (instance (export "new" (func $new)) (export "keep" (func $keep))))))
(alias core export $guest "call" (core func $guest-call))
(alias core export $guest "memory" (core memory $memory))
(alias core export $guest "cabi_realloc" (core func $realloc))
(func $call (param "tool" string) (param "arguments" $json) (result $outcome)
  (canon lift (core func $guest-call) (memory $memory) (realloc $realloc)))
