//! Why a model could not be read: always the file, the place in it, the reason, and a way out.

use core::fmt;

/// Why a model could not be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportError {
    /// The file could not be read at all.
    Read {
        /// The file.
        file: String,
        /// What the operating system said.
        reason: String,
    },
    /// The bytes are neither TFLite nor ONNX.
    UnknownFormat {
        /// The file.
        file: String,
        /// What the bytes look like.
        found: String,
        /// What to do instead.
        help: String,
    },
    /// A count or a size is beyond what the importer accepts.
    Limit {
        /// The file.
        file: String,
        /// What is counted.
        what: String,
        /// How much the file holds, or asks for.
        found: u64,
        /// How much is accepted.
        limit: u64,
    },
    /// The file contradicts its own format.
    Malformed {
        /// The file.
        file: String,
        /// Where in the file.
        place: String,
        /// What does not fit.
        reason: String,
    },
    /// The file is sound but asks for something that is not supported.
    Unsupported {
        /// The file.
        file: String,
        /// The node, or the tensor, that asks for it.
        node: String,
        /// The operator's name in the source format, `-` for the model as a whole.
        operator: String,
        /// What is not supported.
        reason: String,
        /// What to do instead.
        help: String,
    },
    /// A constant holds a NaN or an infinity.
    NotFinite {
        /// The file.
        file: String,
        /// The constant.
        tensor: String,
    },
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { file, reason } => write!(
                f,
                "{file}: {reason}\n  help: name a readable .tflite or .onnx file"
            ),
            Self::UnknownFormat { file, found, help } => {
                write!(
                    f,
                    "{file}: not a TFLite or ONNX model: {found}\n  help: {help}"
                )
            }
            Self::Limit {
                file,
                what,
                found,
                limit,
            } => write!(
                f,
                "{file}: {what}: {found}, at most {limit} are accepted\n  \
                 help: if the model is genuine it is beyond what nnz is made for; split it or make it smaller"
            ),
            Self::Malformed {
                file,
                place,
                reason,
            } => write!(
                f,
                "{file}: {place}: {reason}\n  \
                 help: the file is damaged or was written by a faulty exporter; export or copy it again"
            ),
            Self::Unsupported {
                file,
                node,
                operator,
                reason,
                help,
            } if operator == WHOLE => write!(f, "{file}: {reason}\n  help: {help}"),
            Self::Unsupported {
                file,
                node,
                operator,
                reason,
                help,
            } => write!(
                f,
                "{file}: node '{node}' ({operator}): {reason}\n  help: {help}"
            ),
            Self::NotFinite { file, tensor } => write!(
                f,
                "{file}: tensor '{tensor}' holds a NaN or an infinity\n  \
                 help: the training diverged or the export went wrong; such weights cannot be pruned or quantised"
            ),
        }
    }
}

impl core::error::Error for ImportError {}

/// The operator of a refusal that concerns the whole model.
pub(super) const WHOLE: &str = "-";
/// What every refusal of an operator falls back to.
pub(super) const DEFAULT_HELP: &str = "`nnz ops` lists what each operator supports";

/// What an operator's import finds wrong; the caller knows file, node and operator.
#[derive(Debug)]
pub(super) enum Problem {
    /// See [`ImportError::Unsupported`].
    Unsupported { reason: String, help: String },
    /// See [`ImportError::Malformed`].
    Malformed(String),
    /// See [`ImportError::NotFinite`].
    NotFinite { tensor: String },
    /// See [`ImportError::Limit`].
    Limit {
        what: &'static str,
        found: u64,
        limit: u64,
    },
}

impl Problem {
    /// Something sound that is not supported, without a better way out than the table of operators.
    pub(super) fn unsupported(reason: impl Into<String>) -> Self {
        Self::Unsupported {
            reason: reason.into(),
            help: DEFAULT_HELP.into(),
        }
    }

    /// Something sound that is not supported, and what to do instead.
    pub(super) fn refused(reason: impl Into<String>, help: &str) -> Self {
        Self::Unsupported {
            reason: reason.into(),
            help: format!("{help}; {DEFAULT_HELP}"),
        }
    }

    /// Parts of a model that contradict each other, and what to do about it.
    pub(super) fn contradiction(reason: impl Into<String>, help: &str) -> Self {
        Self::Unsupported {
            reason: reason.into(),
            help: help.into(),
        }
    }

    /// Something that contradicts the format.
    pub(super) fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed(reason.into())
    }

    /// The same, of something in the model that is named first.
    pub(super) fn about(self, what: &str) -> Self {
        match self {
            Self::Unsupported { reason, help } => Self::Unsupported {
                reason: format!("{what}: {reason}"),
                help,
            },
            Self::Malformed(reason) => Self::Malformed(format!("{what}: {reason}")),
            other @ (Self::NotFinite { .. } | Self::Limit { .. }) => other,
        }
    }

    /// The error for `file` as a whole.
    pub(super) fn whole(self, file: &str) -> ImportError {
        let mut error = self.without_table().at(file, "model", WHOLE);
        if let ImportError::Malformed { place, .. } = &mut error {
            "model".clone_into(place);
        }
        error
    }

    /// The same without the table of operators, which says nothing of a model as a whole.
    fn without_table(self) -> Self {
        let Self::Unsupported { reason, help } = self else {
            return self;
        };
        let own = help.strip_suffix(DEFAULT_HELP);
        let own = own.and_then(|h| h.strip_suffix("; ")).map(str::to_owned);
        Self::Unsupported {
            reason,
            help: own.unwrap_or(help),
        }
    }

    /// The error for `file`, at a node of an operator.
    pub(super) fn at(self, file: &str, node: &str, operator: &str) -> ImportError {
        let file = file.to_owned();
        match self {
            Self::Unsupported { reason, help } => ImportError::Unsupported {
                file,
                node: printable(node),
                operator: printable(operator),
                reason,
                help,
            },
            Self::Malformed(reason) => ImportError::Malformed {
                file,
                place: format!("node '{}' ({})", printable(node), printable(operator)),
                reason,
            },
            Self::NotFinite { tensor } => ImportError::NotFinite { file, tensor },
            Self::Limit { what, found, limit } => ImportError::Limit {
                file,
                what: format!("node '{}': {what}", printable(node)),
                found,
                limit,
            },
        }
    }
}

/// A name from a file, short and without control characters.
pub(super) fn printable(name: &str) -> String {
    const LONGEST: usize = 120;
    let mut shown: String = name
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if name.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}
