(module
  (import "packets" "memory" (memory $packets 1))
  (import "slab" "memory" (memory $slab 1 65536 shared))
;; `core/cast/symbol-copy.ts`: copies $length bytes between the two memories.
  (func (export "toSlab") (param $from i32) (param $to i32) (param $length i32)
    (memory.copy $slab $packets (local.get $to) (local.get $from) (local.get $length)))
  (func (export "toPackets") (param $from i32) (param $to i32) (param $length i32)
    (memory.copy $packets $slab (local.get $to) (local.get $from) (local.get $length))))
