//! One matrix, and what to do if it has no inverse: `cargo run --example one_matrix`.

use matinv::{Error, inv, residuals};
use ndarray::array;

fn main() -> Result<(), Error> {
    let a = array![[4.0, -2.0, 1.0], [3.0, 6.0, -4.0], [2.0, 1.0, 8.0]];
    let x = inv(&a)?;
    println!("{x:8.4}");
    let ratio = residuals(&a, &x)?;
    println!("as good as LAPACK asks: {} (‖I − XA‖ ratio {:.2})", ratio.passes(), ratio.left);

    match inv(&array![[1.0, 2.0], [2.0, 4.0]]) {
        Err(Error::Singular { pivot }) => {
            println!("singular: column {pivot} depends on those before it");
        }
        other => println!("{other:?}"),
    }
    Ok(())
}
