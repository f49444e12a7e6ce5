(module
  (memory (export "memory") 1)
;; The sum of `core/cast/word-sum.ts`: $at to $end, in whole blocks of 32 bytes, keyed from $key on; left at 0.
  (func (export "sum") (param $at i32) (param $end i32) (param $key i32)
    (local $sum i64)
    (loop $next
      (local.set $sum (i64.add (local.get $sum) (i64.mul
        (i64.extend_i32_u (i32.add (i32.load offset=0 (local.get $at)) (i32.load offset=0 (local.get $key))))
        (i64.extend_i32_u (i32.add (i32.load offset=4 (local.get $at)) (i32.load offset=4 (local.get $key)))))))
      (local.set $sum (i64.add (local.get $sum) (i64.mul
        (i64.extend_i32_u (i32.add (i32.load offset=8 (local.get $at)) (i32.load offset=8 (local.get $key))))
        (i64.extend_i32_u (i32.add (i32.load offset=12 (local.get $at)) (i32.load offset=12 (local.get $key)))))))
      (local.set $sum (i64.add (local.get $sum) (i64.mul
        (i64.extend_i32_u (i32.add (i32.load offset=16 (local.get $at)) (i32.load offset=16 (local.get $key))))
        (i64.extend_i32_u (i32.add (i32.load offset=20 (local.get $at)) (i32.load offset=20 (local.get $key)))))))
      (local.set $sum (i64.add (local.get $sum) (i64.mul
        (i64.extend_i32_u (i32.add (i32.load offset=24 (local.get $at)) (i32.load offset=24 (local.get $key))))
        (i64.extend_i32_u (i32.add (i32.load offset=28 (local.get $at)) (i32.load offset=28 (local.get $key)))))))
      (local.set $key (i32.add (local.get $key) (i32.const 32)))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 32))) (local.get $end))))
    (i64.store (i32.const 0) (local.get $sum))))
