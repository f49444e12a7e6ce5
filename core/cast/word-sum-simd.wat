(module
  (import "packets" "memory" (memory 1))
;; As `word-sum.wat`, for processors that multiply two pairs at a time (SSE 4.1).
  (func (export "sum") (param $at i32) (param $end i32) (param $key i32) (param $rest i32)
    (local $low v128) (local $high v128) (local $one v128) (local $other v128)
    (local $even v128) (local $odd v128) (local $whole i32) (local $to i32)
    (local.set $whole (i32.add (local.get $at)
      (i32.and (i32.sub (local.get $end) (local.get $at)) (i32.const -32))))
    (loop $blocks
      (loop $next
        (if (i32.lt_u (local.get $at) (local.get $whole)) (then
          (local.set $one
            (i32x4.add (v128.load offset=0 (local.get $at)) (v128.load offset=0 (local.get $key))))
          (local.set $other
            (i32x4.add (v128.load offset=16 (local.get $at)) (v128.load offset=16 (local.get $key))))
          (local.set $even (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27
            (local.get $one) (local.get $other)))
          (local.set $odd (i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31
            (local.get $one) (local.get $other)))
          (local.set $low (i64x2.add (local.get $low)
            (i64x2.extmul_low_i32x4_u (local.get $even) (local.get $odd))))
          (local.set $high (i64x2.add (local.get $high)
            (i64x2.extmul_high_i32x4_u (local.get $even) (local.get $odd))))
          (local.set $key (i32.add (local.get $key) (i32.const 32)))
          (local.set $at (i32.add (local.get $at) (i32.const 32)))
          (br $next))))
      (if (i32.lt_u (local.get $at) (local.get $end)) (then
        (v128.store offset=0 (local.get $rest) (v128.const i64x2 0 0))
        (v128.store offset=16 (local.get $rest) (v128.const i64x2 0 0))
        (local.set $to (local.get $rest))
        (loop $words
          (i32.store (local.get $to) (i32.load (local.get $at)))
          (local.set $to (i32.add (local.get $to) (i32.const 4)))
          (br_if $words
            (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (local.get $end))))
        (local.set $at (local.get $rest))
        (local.set $whole (i32.add (local.get $rest) (i32.const 32)))
        (local.set $end (local.get $whole))
        (br $blocks))))
    (local.set $low (i64x2.add (local.get $low) (local.get $high)))
    (i64.store (i32.const 0) (i64.add
      (i64x2.extract_lane 0 (local.get $low)) (i64x2.extract_lane 1 (local.get $low))))))
