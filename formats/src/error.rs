//! What can be wrong with a file: one variant a check.

/// Declares the error type: each variant with its details and its sentence, which is documentation and message alike.
macro_rules! errors {
    ($($variant:ident $({ $($detail:ident),+ })? = $message:literal;)+) => {
        /// Why a file was refused. One variant for each check of [`Model::parse`](crate::Model::parse).
        ///
        /// Details are numbers: `step`, `tensor` and `io` count from 0 in the file's order, `kind` is a section kind,
        /// `row` an output channel.
        #[non_exhaustive]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum FormatError {
            $(
                #[doc = $message]
                $variant $({
                    $(#[doc = concat!("Number of the ", stringify!($detail), ".")] $detail: u16),+
                })?,
            )+
        }

        impl FormatError {
            /// The names of all variants, for suites that cover them.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($variant)),+];

            /// The variant's name.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant $({ $($detail: _),+ })? => stringify!($variant),)+
                }
            }

            /// What is wrong, without the numbers.
            #[must_use]
            pub const fn message(&self) -> &'static str {
                match self {
                    $(Self::$variant $({ $($detail: _),+ })? => $message,)+
                }
            }
        }

        impl core::fmt::Display for FormatError {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.message())?;
                match self {
                    $(Self::$variant $({ $($detail),+ })? => {
                        $($(write!(f, ", {} {}", stringify!($detail), $detail)?;)+)?
                    })+
                }
                Ok(())
            }
        }
    };
}

errors! {
    TooShort = "the file is shorter than its header";
    Magic = "not a .nnz file: the magic number is missing";
    FileLen = "the file is truncated, or its header states a length that cannot be";
    Version = "the version numbers contradict each other";
    MinReader = "the file needs a newer reader";
    Crc = "the checksum differs: the file is damaged";
    Flags = "the header has unknown flags";
    Backend = "the file was lowered for a backend that this reader, or the oldest that it permits, does not run";
    HeaderReserved = "a reserved byte of the header is not 0";
    Regions = "memory regions beside the arena are reserved";
    NoTensors = "the file has no tensors";
    NoInputs = "the file has no inputs";
    NoOutputs = "the file has no outputs";
    States = "persistent states are reserved";
    MacCounts = "the header counts more stored than possible multiply-accumulates";
    SectionCount = "the file has more than 16 sections";
    SectionTable = "the section table leaves the file";
    SectionFlags { kind } = "a section has unknown flags";
    SectionReserved { kind } = "reserved bytes of a section entry are not 0";
    SectionAlignment { kind } = "a section does not begin at a multiple of 16";
    SectionBounds { kind } = "a section leaves the file or covers its header";
    SectionOverlap { kind } = "a section overlaps another";
    SectionTwice { kind } = "a section kind occurs twice";
    SectionUnknown { kind } = "the file requires a section that this reader does not know";
    SectionMissing { kind } = "a required section is missing";
    SectionNotRequired { kind } = "a section that readers need is not flagged as required";
    SectionLen { kind } = "a section's length is not its number of records";
    Padding = "a byte between sections is not 0";
    NamesText = "the names are not UTF-8";
    MetaText = "the metadata is not UTF-8";
    TensorDType { tensor } = "a tensor's element type is not supported";
    TensorLayout { tensor } = "a tensor's layout is unknown";
    TensorRegion { tensor } = "a tensor lies in a region that does not exist";
    TensorReserved { tensor } = "reserved bytes of a tensor are not 0";
    TensorShape { tensor } = "a tensor has a dimension of 0";
    TensorPlaneStride { tensor } = "a tensor's plane stride does not fit its shape and layout";
    TensorLen { tensor } = "a tensor's length is not the product of its shape";
    TensorAlignment { tensor } = "a tensor does not begin at a multiple of 8";
    TensorBounds { tensor } = "a tensor leaves the arena";
    TensorScale { tensor } = "a tensor's scale is not a positive finite number (f32: 1)";
    TensorZeroPoint { tensor } = "a tensor's zero point is outside its element type (f32: 0)";
    StepOp { step } = "a step's operator is unknown";
    StepLayout { step } = "a step's weight layout is unknown";
    StepFlags { step } = "a step has unknown flags, or wide rows where there are none";
    StepReserved { step } = "reserved bytes of a step are not 0";
    StepTensor { step } = "a step names a tensor that does not exist";
    StepInputs { step } = "a step has one input too many or too few";
    StepDType { step } = "a step's element types do not belong together";
    StepParams { step } = "a parameter byte that the operator does not use is not 0";
    StepWindow { step } = "a window has a kernel or stride of 0, or padding not smaller than its kernel";
    StepMultiplier { step } = "a step's multiplier is negative, or a depth multiplier is 0";
    StepShift { step } = "a step's shift is out of range";
    StepClamp { step } = "a step's lower bound is above its upper bound, or not a number";
    StepValue { step } = "a floating-point parameter is not a number, or not positive where it must be";
    StepOrder { step } = "a repack order is unknown";
    StepFunction { step } = "a function of one or two values is unknown";
    StepBlock { step } = "a copy has a step of 0, or leaves one of its tensors";
    StepShape { step } = "the shapes of a step's tensors do not agree with its operator";
    StepContiguous { step } = "a tensor that must be contiguous is not";
    StepCombination { step } = "no kernel has this combination of operator, weight layout and element type";
    StepScratch { step } = "a step has less scratch than its operator needs";
    StepScratchAlignment { step } = "a step's scratch does not begin at a multiple of 8";
    StepScratchBounds { step } = "a step's scratch leaves the arena";
    StepScratchOverlap { step } = "a step's scratch overlaps one of its tensors";
    StepOverlap { step } = "a step's output overlaps an input in a way that its operator does not allow";
    StepNoWeights { step } = "a step without weights states an offset or length of weights";
    WeightsAlignment { step } = "a weight blob's offset or length is not a multiple of 4";
    WeightsBounds { step } = "a weight blob leaves its section";
    WeightsShared = "steps share weight blobs so often that checking them would not take linear time";
    WeightsRows { step } = "a weight blob is too short for its rows";
    WeightsLen { step } = "a weight stream is longer or shorter than its rows say";
    WeightsPadding { step } = "padding in a weight blob is not 0";
    RowReserved { step, row } = "reserved bytes of a row are not 0";
    RowMultiplier { step, row } = "a row's multiplier is negative";
    RowShift { step, row } = "a row's shift is out of range";
    RowNnz { step, row } = "a row's count is not one that its layout allows";
    RowBias { step, row } = "a row's bias is not a finite number";
    RowIndex { step, row } = "a row addresses weights outside its columns or its band";
    RowNarrow { step, row } = "a row's sums may leave the lanes that a narrow step promises";
    RowValue { step, row } = "a weight is not a finite number";
    RowPast { step, row } = "a block has weights past the last channel or row";
    ScratchLen = "the header's scratch length is not the largest of the steps";
    KernelMask = "the header's kernel mask is not what the steps need";
    KernelMissing = "the header's kernel mask has a kernel that this reader is built without";
    IoTensor { io } = "an input or output names a tensor that does not exist";
    IoRank { io } = "an input or output has no dimensions, or more than 4";
    IoOrder { io } = "an input's or output's axis order is unknown";
    IoDims { io } = "the dimensions of an input or output do not agree with its tensor";
    IoName { io } = "the name of an input or output is not within the names";
    IoDType { io } = "the source type of an input or output is unknown";
    IoReserved { io } = "reserved bytes of an input or output are not 0";
    IoPreprocess { io } = "the mean or deviation of an input or output is not a usable number";
}

impl core::error::Error for FormatError {}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::FormatError;
    use std::string::ToString;

    #[test]
    fn a_message_ends_with_its_numbers() {
        let error = FormatError::RowShift { step: 3, row: 17 };
        assert_eq!(
            error.to_string(),
            "a row's shift is out of range, step 3, row 17"
        );
        assert_eq!(FormatError::Magic.to_string(), FormatError::Magic.message());
    }
}
