cimport cython
from libc.stdint cimport uint64_t

cdef int END, OPEN, CLOSE, WORD, ID, STRING, NAT, INT, FLOAT, OFFSET_EQ, ALIGN_EQ
cdef int ILLEGAL, SPACE, NAME, OTHER, QUOTE, LPAR, RPAR, SEMICOLON
cdef int UNKNOWN_WORD
cdef bytes CLASS_TABLE, DIGIT_TABLE
cdef const unsigned char* CLASSES  # of CLASS_TABLE
cdef const unsigned char* DIGITS   # of DIGIT_TABLE
cdef dict KEYWORDS, SIMPLE_ESCAPES
cdef uint64_t MAX_U64


cdef class Lexer:
    cdef readonly bytes data
    cdef const unsigned char* buffer  # of `data`
    cdef public Py_ssize_t pos        # after the current token
    cdef Py_ssize_t end               # at most len(data)
    cdef readonly int kind, code
    cdef readonly Py_ssize_t start, stop, paren
    cdef public bint noting, noted, lenient
    cdef readonly list notes

    cpdef fail(self, str message, Py_ssize_t at)
    cpdef refuse(self, str message, Py_ssize_t at)
    cpdef str spelling(self)
    cdef str shown(self, Py_ssize_t start, Py_ssize_t stop)
    cpdef unexpected(self, str expected)

    @cython.locals(pos=Py_ssize_t, kind=int)
    cpdef int next(self) except -1
    cdef int open(self) except -1
    @cython.locals(start=Py_ssize_t, pos=Py_ssize_t, strings=int, other=bint, kind=int, lead=int)
    cdef int word(self) except -1
    cdef unknown_word(self)
    cdef illegal(self, Py_ssize_t at)
    @cython.locals(start=Py_ssize_t, stop=Py_ssize_t, kind=int)
    cdef int rare_word(self) except -1
    @cython.locals(start=Py_ssize_t)
    cdef bint identifier(self, int strings, bint other) except -1

    @cython.locals(pos=Py_ssize_t, byte=int)
    cdef int blanks(self) except -1
    cdef Py_ssize_t line_end(self, Py_ssize_t pos) except -1
    @cython.locals(depth=Py_ssize_t, pos=Py_ssize_t, byte=int, after=int)
    cdef Py_ssize_t block_comment_end(self, Py_ssize_t start) except -1
    @cython.locals(pos=Py_ssize_t, end=Py_ssize_t)
    cdef Py_ssize_t annotation(self, Py_ssize_t start) except -1
    @cython.locals(depth=Py_ssize_t, kind=int)
    cdef Py_ssize_t annotation_end(self, Py_ssize_t start, Py_ssize_t pos) except -1
    cpdef misplaced(self)
    cpdef misplaced_note(self, tuple note)
    cpdef list take_notes(self)
    @cython.locals(depth=Py_ssize_t, pos=Py_ssize_t, kind=int)
    cpdef int skip_form(self) except -1

    @cython.locals(pos=Py_ssize_t, byte=int)
    cdef Py_ssize_t string_end(self, Py_ssize_t start) except -1
    cdef bad_string(self, Py_ssize_t start, Py_ssize_t at)
    @cython.locals(pos=Py_ssize_t, stop=Py_ssize_t, byte=int)
    cdef Py_ssize_t escape_end(self, Py_ssize_t start) except -1
    @cython.locals(value=int, pos=Py_ssize_t)
    cdef bint is_scalar(self, Py_ssize_t start, Py_ssize_t stop) except -1
    @cython.locals(raw=bytes, value=bytearray, pos=Py_ssize_t, at=Py_ssize_t, byte=int)
    cpdef bytes bytes_of(self, Py_ssize_t start, Py_ssize_t stop)
    cpdef str text_of(self, Py_ssize_t start, Py_ssize_t stop)
    cdef bytes id_of(self)
    cdef bytes id_between(self, Py_ssize_t start, Py_ssize_t stop)

    @cython.locals(lead=int, signed=bint, is_hex=bint)
    cdef int number(self, Py_ssize_t pos, Py_ssize_t stop) except -1
    cdef Py_ssize_t digits(self, Py_ssize_t pos, Py_ssize_t stop) except -2
    cdef Py_ssize_t decimal_digits(self, Py_ssize_t pos, Py_ssize_t stop) except -2
    cdef Py_ssize_t hex_digits(self, Py_ssize_t pos, Py_ssize_t stop) except -2
    cdef Py_ssize_t digits_below(self, int base, Py_ssize_t pos, Py_ssize_t stop) except -2
    @cython.locals(pos=Py_ssize_t, base=int, value=uint64_t, digit=int)
    cdef uint64_t natural(self, Py_ssize_t start, Py_ssize_t stop, uint64_t most, str phrase) except? 0xFFFF
    @cython.locals(most=uint64_t, value=uint64_t)
    cdef uint64_t integer(self, int kind, Py_ssize_t start, Py_ssize_t stop, int bits) except? 0xFFFF
