;; Expected: done, or table; never more elements than `limits.table_elements`. The table is grown until that is refused (WX-10).
(core module $module
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
  (table $table 1 funcref)
  (func $grow
    (loop $again
      (br_if $again (i32.ne (table.grow $table (ref.null func) (i32.const 1000)) (i32.const -1)))))
  (func (export "call") (param i32 i32 i32 i32) (result i32) (call $grow) (i32.const 1024)))
(core instance $guest (instantiate $module))
(alias core export $guest "call" (core func $guest-call))
(alias core export $guest "memory" (core memory $memory))
(alias core export $guest "cabi_realloc" (core func $realloc))
(func $call (param "tool" string) (param "arguments" $json) (result $outcome)
  (canon lift (core func $guest-call) (memory $memory) (realloc $realloc)))
