/* Undoes the filters of a PNG's rows, sixteen rows at once (PNG specification, third edition, section 9).
 *
 * A filtered byte says what is to be added to a guess made of its neighbours: `a` to the left, `b` above, `c` above to the left.
 * Each waits for its left neighbour, so within one row nothing can be done side by side. Of sixteen rows it can: each stays
 * LAG bytes behind the one above it, and what it needs is there. A row is one 16-bit lane of a vector of AVX2.
 *
 *     filter    guess             here
 *     0 None    0                 Paeth of (0, 0, 0)
 *     1 Sub     a                 Paeth of (a, 0, 0)
 *     2 Up      b                 Paeth of (0, b, 0)
 *     3 Average (a + b) / 2       in its own right, in the groups of rows that have one
 *     4 Paeth   of a, b, c the one that is nearest to a + b - c
 */
#include <stddef.h>
#include <stdint.h>

/* What is answered; snag/core/unfilter.py knows the same numbers. */
enum { FINE, BAD_FILTER, NO_MEMORY, BAD_SIZE, NO_VECTORS };

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 16   /* lanes of a vector */
#define STEPS 16  /* bytes of a row that are taken at once */
#define LAG 2     /* with 1 the way from lane to lane would be waited for */
#define MOST 8    /* bytes of the widest pixel: four channels of 16 bits */
#define AVX2 __attribute__((target("avx2")))
#define INLINE static inline __attribute__((always_inline, target("avx2")))

typedef __m256i lanes;

/* What of its neighbours each row's guess looks at. */
typedef struct {
    lanes left, above, corner, average;
} looks;

/* Eight words of each of sixteen rows, rows 0 to 7 in the lower halves, to sixteen rows' words in each vector; and back. */
INLINE void transpose(lanes v[8]) {
    lanes u[8], w[8];
    for (int i = 0; i < 4; i++) {
        u[2 * i] = _mm256_unpacklo_epi16(v[2 * i], v[2 * i + 1]);
        u[2 * i + 1] = _mm256_unpackhi_epi16(v[2 * i], v[2 * i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; j++) {
            w[i + 2 * j] = _mm256_unpacklo_epi32(u[i + j], u[i + j + 2]);
            w[i + 2 * j + 1] = _mm256_unpackhi_epi32(u[i + j], u[i + j + 2]);
        }
    for (int i = 0; i < 4; i++) {
        v[2 * i] = _mm256_unpacklo_epi64(w[i], w[i + 4]);
        v[2 * i + 1] = _mm256_unpackhi_epi64(w[i], w[i + 4]);
    }
}

INLINE lanes guess(lanes a, lanes b, lanes c, lanes average, int any_average) {
    lanes to_left = _mm256_sub_epi16(a, c), to_above = _mm256_sub_epi16(b, c);
    lanes off_a = _mm256_abs_epi16(to_above), off_b = _mm256_abs_epi16(to_left);
    lanes off_c = _mm256_abs_epi16(_mm256_add_epi16(to_left, to_above));
    lanes other = _mm256_blendv_epi8(b, c, _mm256_cmpgt_epi16(off_b, off_c));
    lanes paeth = _mm256_blendv_epi8(a, other, _mm256_cmpgt_epi16(off_a, _mm256_min_epi16(off_b, off_c)));
    if (!any_average)
        return paeth;
    return _mm256_blendv_epi8(paeth, _mm256_srli_epi16(_mm256_add_epi16(a, b), 1), average);
}

/* `rows`: ROWS rows of `width` bytes, row r from LAG * r on, 0 around them; are replaced by what they stand for.
 * `above[x]`: the row above the first, with MOST words in front that may be read. Inlined for each kind of pixel. */
INLINE void undo(uint8_t *rows, size_t width, const uint16_t *above, looks look, int pixel, int any_average) {
    const lanes byte = _mm256_set1_epi16(255), left = _mm256_and_si256(look.left, byte);
    lanes a[MOST + STEPS], c[MOST + STEPS], done[LAG + STEPS], v[8];
    for (int i = 0; i < MOST; i++)
        a[i] = c[i] = _mm256_setzero_si256();
    for (int i = 0; i < LAG; i++)
        done[i] = _mm256_setzero_si256();
    for (size_t at = 0; at < width; at += STEPS) {
        for (int i = 0; i < 8; i++) {
            __m128i low = _mm_loadu_si128((const __m128i *)(rows + i * width + at));
            __m128i high = _mm_loadu_si128((const __m128i *)(rows + (i + 8) * width + at));
            v[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
        }
        transpose(v);
#pragma GCC unroll 16
        for (int i = 0; i < STEPS; i++) {
            lanes filtered = i % 2 ? _mm256_srli_epi16(v[i / 2], 8) : _mm256_and_si256(v[i / 2], byte);
            __m128i first = _mm_loadu_si128((const __m128i *)(above + at + i - 7)); /* its last word is what lane 0 wants */
            lanes before = _mm256_inserti128_si256(_mm256_castsi128_si256(first), _mm256_castsi256_si128(done[i]), 1);
            lanes b = _mm256_and_si256(_mm256_alignr_epi8(done[i], before, 14), look.above);
            lanes sum = _mm256_add_epi16(filtered, guess(a[MOST + i - pixel], b, c[MOST + i - pixel], look.average, any_average));
            a[MOST + i] = _mm256_and_si256(sum, left);
            c[MOST + i] = _mm256_and_si256(b, look.corner);
            done[LAG + i] = _mm256_and_si256(sum, byte);
        }
        for (int i = 0; i < 8; i++)
            v[i] = _mm256_or_si256(done[LAG + 2 * i], _mm256_slli_epi16(done[LAG + 2 * i + 1], 8));
        transpose(v);
        for (int i = 0; i < 8; i++) {
            _mm_storeu_si128((__m128i *)(rows + i * width + at), _mm256_castsi256_si128(v[i]));
            _mm_storeu_si128((__m128i *)(rows + (i + 8) * width + at), _mm256_extracti128_si256(v[i], 1));
        }
        for (int i = MOST - pixel; i < MOST; i++)
            a[i] = a[i + STEPS], c[i] = c[i + STEPS];
        for (int i = 0; i < LAG; i++)
            done[i] = done[i + STEPS];
    }
}

#define KIND(pixel)                                                                   \
    AVX2 static void undo_##pixel(uint8_t *r, size_t w, const uint16_t *b, looks l) { \
        undo(r, w, b, l, pixel, 0);                                                   \
    }                                                                                 \
    AVX2 static void average_##pixel(uint8_t *r, size_t w, const uint16_t *b, looks l) { \
        undo(r, w, b, l, pixel, 1);                                                   \
    }
KIND(1)
KIND(2)
KIND(3)
KIND(4)
KIND(6)
KIND(8)

typedef void undoer(uint8_t *, size_t, const uint16_t *, looks);
static undoer *const UNDOERS[MOST + 1][2] = {
    [1] = {undo_1, average_1}, [2] = {undo_2, average_2}, [3] = {undo_3, average_3},
    [4] = {undo_4, average_4}, [6] = {undo_6, average_6}, [8] = {undo_8, average_8},
};

AVX2 static int undo_all(const uint8_t *filtered, uint8_t *pixels, size_t height, size_t row_bytes, size_t pixel, uint8_t *rows,
                         size_t width, uint16_t *above) {
    for (size_t y = 0; y < height; y += ROWS) {
        size_t count = height - y < ROWS ? height - y : ROWS;
        uint16_t left[ROWS] = {0}, up[ROWS] = {0}, corner[ROWS] = {0}, average[ROWS] = {0};
        int any_average = 0;
        memset(rows, 0, ROWS * width);
        for (size_t r = 0; r < count; r++) {
            const uint8_t *row = filtered + (y + r) * (row_bytes + 1);
            if (row[0] > 4)
                return BAD_FILTER;
            left[r] = row[0] == 1 || row[0] >= 3 ? 0xffff : 0;
            up[r] = row[0] >= 2 ? 0xffff : 0;
            corner[r] = row[0] == 4 ? 0xffff : 0;
            average[r] = row[0] == 3 ? 0xffff : 0;
            any_average |= row[0] == 3;
            memcpy(rows + r * width + LAG * r, row + 1, row_bytes);
        }
        looks look = {_mm256_loadu_si256((const lanes *)left), _mm256_loadu_si256((const lanes *)up),
                      _mm256_loadu_si256((const lanes *)corner), _mm256_loadu_si256((const lanes *)average)};
        UNDOERS[pixel][any_average](rows, width, above, look);
        for (size_t r = 0; r < count; r++)
            memcpy(pixels + (y + r) * row_bytes, rows + r * width + LAG * r, row_bytes);
        const uint8_t *last = rows + (ROWS - 1) * width + LAG * (ROWS - 1);
        for (size_t x = 0; x < row_bytes; x++) /* of the last group nobody looks at it */
            above[x] = last[x];
    }
    return FINE;
}

/* `filtered`: height rows of a byte that names the filter and row_bytes bytes; `pixels`: height rows of row_bytes bytes, written;
 * `pixel`: bytes of a pixel. They may not overlap. Returns FINE, or why the pixels are not what they should be. The number in the
 * name goes up when any of this changes: archives of any age meet whatever library is installed. */
int snag_unfilter_1(const uint8_t *filtered, uint8_t *pixels, size_t height, size_t row_bytes, size_t pixel) {
    if (!__builtin_cpu_supports("avx2"))
        return NO_VECTORS;
    if (pixel > MOST || !UNDOERS[pixel][0] || !height || !row_bytes || row_bytes % pixel || row_bytes > (1u << 30) / ROWS)
        return BAD_SIZE;
    size_t width = (row_bytes + LAG * (ROWS - 1) + STEPS - 1) / STEPS * STEPS;
    uint8_t *rows = malloc(ROWS * width);
    uint16_t *above = calloc(MOST + width, sizeof *above);
    int found = NO_MEMORY;
    if (rows && above)
        found = undo_all(filtered, pixels, height, row_bytes, pixel, rows, width, above + MOST);
    free(rows);
    free(above);
    return found;
}

#else

int snag_unfilter_1(const uint8_t *filtered, uint8_t *pixels, size_t height, size_t row_bytes, size_t pixel) {
    (void)filtered, (void)pixels, (void)height, (void)row_bytes, (void)pixel;
    return NO_VECTORS;
}

#endif
