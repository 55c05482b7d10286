/// A fixed delay for a block of channels.
pub struct Delay {
    lines: Vec<Vec<f32>>,
    position: usize,
}

impl Delay {
    /// A delay of `length` samples, which may be 0.
    pub fn new(channels: usize, length: usize) -> Delay {
        Delay { lines: vec![vec![0.0; length]; channels], position: 0 }
    }

    /// Copies `input` to `output`, delayed.
    pub fn process(&mut self, input: &[Vec<f32>], output: &mut [Vec<f32>]) {
        let mut end = self.position;
        for ((line, input), output) in self.lines.iter_mut().zip(input).zip(output) {
            if line.is_empty() {
                output.copy_from_slice(input);
                continue;
            }
            let mut position = self.position;
            for (x, y) in input.iter().zip(output.iter_mut()) {
                *y = std::mem::replace(&mut line[position], *x);
                position = if position + 1 == line.len() { 0 } else { position + 1 };
            }
            end = position;
        }
        self.position = end;
    }

    /// Fills the delay with silence.
    pub fn reset(&mut self) {
        self.lines.iter_mut().for_each(|line| line.fill(0.0));
        self.position = 0;
    }
}
