#![no_std]
#![allow(dead_code)]
use core::cell::UnsafeCell;
use core::num::NonZeroU32;
#[repr(i16)]
pub enum Signed { Minus(u8) = -2, Plus { x: u32 } = 3 }
pub enum Inner { X(u64), Y(bool) }
pub enum Deep { A(Inner), B, C }
pub struct Lock<T> { locked: UnsafeCell<bool>, data: UnsafeCell<T> }
unsafe impl<T> Sync for Lock<T> {}
pub union Raw { a: u32, b: [u8; 4] }
pub mod mm {
    pub mod frames {
        pub struct Bitmap<const N: usize> { pub words: [u64; N] }
        #[used]
        pub static MAP: Bitmap<3> = Bitmap { words: [1, 2, 3] };
    }
}
#[used]
pub static MINUS: Signed = Signed::Minus(3);
#[used]
pub static PLUS: Signed = Signed::Plus { x: 9 };
#[used]
pub static DEEP: Deep = Deep::A(Inner::Y(true));
#[used]
pub static FLAT: Deep = Deep::C;
#[used]
pub static NONZERO: Option<NonZeroU32> = NonZeroU32::new(5);
#[used]
pub static NONE: Option<NonZeroU32> = None;
#[used]
pub static FAILED: Result<u32, u8> = Err(3);
#[used]
pub static NESTED: Option<Option<bool>> = Some(None);
#[used]
pub static LETTER: char = '€';
#[used]
pub static LOCK: Lock<u32> = Lock { locked: UnsafeCell::new(true), data: UnsafeCell::new(8) };
#[used]
pub static RAW: Raw = Raw { a: 0x01020304 };
#[no_mangle]
pub extern "C" fn kmain() -> u64 { 1 }
