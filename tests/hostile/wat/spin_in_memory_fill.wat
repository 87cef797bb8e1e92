;; Expected: fuel. Each instruction writes all of the memory, and a clock is looked at only between two (WX-08).
(core module $module
  (memory (export "memory") 255)
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
  (func $fill
    (loop $again (memory.fill (i32.const 0x1_0000) (i32.const 1) (i32.const 0xfe_0000)) (br $again)))
  (func (export "call") (param i32 i32 i32 i32) (result i32) (call $fill) (i32.const 1024)))
(core instance $guest (instantiate $module))
(alias core export $guest "call" (core func $guest-call))
(alias core export $guest "memory" (core memory $memory))
(alias core export $guest "cabi_realloc" (core func $realloc))
(func $call (param "tool" string) (param "arguments" $json) (result $outcome)
  (canon lift (core func $guest-call) (memory $memory) (realloc $realloc)))
