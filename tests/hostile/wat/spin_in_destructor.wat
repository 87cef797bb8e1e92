;; Expected: fuel. A resource of the guest's own is dropped, and its destructor never ends (WX-23).
;; The destructor is in a module of its own: a resource needs it before the module that uses the resource is there.
(core module $ends
  (func (export "end") (param i32) (loop $again (br $again))))
(core instance $ends (instantiate $ends))
(alias core export $ends "end" (core func $end))
(type $thing (resource (rep i32) (dtor (core func $end))))
(core func $new (canon resource.new $thing))
(core func $drop (canon resource.drop $thing))
(core module $module
  (import "thing" "new" (func $new (param i32) (result i32)))
  (import "thing" "drop" (func $drop (param i32)))
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
  (func (export "call") (param i32 i32 i32 i32) (result i32) (call $drop (call $new (i32.const 7))) (i32.const 1024)))
(core instance $guest (instantiate $module
  (with "thing" (instance (export "new" (func $new)) (export "drop" (func $drop))))))
(alias core export $guest "call" (core func $guest-call))
(alias core export $guest "memory" (core memory $memory))
(alias core export $guest "cabi_realloc" (core func $realloc))
(func $call (param "tool" string) (param "arguments" $json) (result $outcome)
  (canon lift (core func $guest-call) (memory $memory) (realloc $realloc)))
