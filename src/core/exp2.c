/* 2^x in fixed point, by two tables and a short polynomial.
 *
 * x = i/2^7 + j/2^14 + y with y < 2^-14. Then 2^x = coarse[i] * (1 + fine[j]) * (1 + p(y)), and p is the series of
 * 2^y - 1 up to y^4: the next term is below 2^-79. All constants are floors and every product is cut, so the result is
 * never above the true value; it loses less than 2^-63 in each of: coarse, the last product, and (doubled by coarse)
 * fine, p and their product: below EXP2_ULPS = 8 units of 2^-63, which is 2^-60.
 *
 * Within one step of the tables a greater y gives no smaller a result, since all terms are positive; the test walks
 * over every seam between two steps, so the whole function never falls. */
#include "core/exp2.h"

#include "core/wide.h"
#include <leadstream/must.h>

/* floor(2^63 * 2^(i/128)). */
static const uint64_t exp2_coarse[128] = {
    0x8000000000000000, 0x80b1ed4fd999ab6c, 0x8164d1f3bc030773, 0x8218af4373fc25eb, 0x82cd8698ac2ba1d7,
    0x8383594eefb6ee36, 0x843a28c3acde4046, 0x84f1f656379c1a29, 0x85aac367cc487b14, 0x8664915b923fba03,
    0x871f61969e8d1010, 0x87db357ff698d791, 0x88980e8092da8527, 0x8955ee03618e5fdc, 0x8a14d575496efd9a,
    0x8ad4c6452c728924, 0x8b95c1e3ea8bd6e6, 0x8c57c9c4646f4ddd, 0x8d1adf5b7e5ba9e5, 0x8ddf042022e69cd5,
    0x8ea4398b45cd53c0, 0x8f6a8117e6c8e5c4, 0x9031dc431466b1dc, 0x90fa4c8beee4b12a, 0x91c3d373ab11c336,
    0x928e727d9531f9ac, 0x935a2b2f13e6e92b, 0x9426ff0fab1c04b6, 0x94f4efa8fef70961, 0x95c3fe86d6cc7fee,
    0x96942d3720185a00, 0x97657d49f17ab08e, 0x9837f0518db8a96f, 0x990b87e266c189a9, 0x99e0459320b7fa64,
    0x9ab62afc94ff864a, 0x9b8d39b9d54e5538, 0x9c6573682ec32c2d, 0x9d3ed9a72cffb750, 0x9e196e189d472420,
    0x9ef5326091a111ad, 0x9fd228256400dd05, 0xa0b0510fb9714fc2, 0xa18faeca8544b6e3, 0xa27043030c496818,
    0xa3520f68e802bb92, 0xa43515ae09e6809e, 0xa5195786be9ef339, 0xa5fed6a9b15138ea, 0xa6e594cfeee86b1d,
    0xa7cd93b4e9653569, 0xa8b6d5167b320e08, 0xa9a15ab4ea7c0ef8, 0xaa8d2652ec907629, 0xab7a39b5a93ed337,
    0xac6896a4be3fe929, 0xad583eea42a14ac6, 0xae493452ca35b80e, 0xaf3b78ad690a4374, 0xb02f0dcbb6e04583,
    0xb123f581d2ac258f, 0xb21a31a66618fe3b, 0xb311c412a9112489, 0xb40aaea2654b9840, 0xb504f333f9de6484,
    0xb60093a85ed5f76b, 0xb6fd91e328d17791, 0xb7fbefca8ca41e7c, 0xb8fbaf4762fb9ee9, 0xb9fcd2452c0b9dea,
    0xbaff5ab2133e45fb, 0xbc034a7ef2e9fb0c, 0xbd08a39f580c36be, 0xbe0f6809860993e2, 0xbf1799b67a731082,
    0xc0213aa1f0d08db0, 0xc12c4cca66709456, 0xc238d2311e3d6672, 0xc346ccda24976407, 0xc4563ecc5334cb32,
    0xc5672a115506dadd, 0xc67990b5aa245f79, 0xc78d74c8abb9b15c, 0xc8a2d85c8ffe2c45, 0xc9b9bd866e2f27a2,
    0xcad2265e4290774d, 0xcbec14fef2727c5c, 0xcd078b86503dcdd1, 0xce248c151f8480e3, 0xcf4318cf191918c1,
    0xd06333daef2b2594, 0xd184df6251699ac6, 0xd2a81d91f12ae45a, 0xd3ccf099859ac379, 0xd4f35aabcfedfa1f,
    0xd61b5dfe9f9bce06, 0xd744fccad69d6af4, 0xd870394c6db32c84, 0xd99d15c278afd7b5, 0xdacb946f2ac9cc71,
    0xdbfbb797daf23755, 0xdd2d818508324c20, 0xde60f4825e0e9123, 0xdf9612deb8f04420, 0xe0ccdeec2a94e111,
    0xe2055afffe83d368, 0xe33f8972be8a5a51, 0xe47b6ca0373da88d, 0xe5b906e77c8348a8, 0xe6f85aaaee1fce22,
    0xe8396a503c4bdc68, 0xe97c38406c4f8c56, 0xeac0c6e7dd24392e, 0xec0718b64c1cbddc, 0xed4f301ed9942b84,
    0xee990f980da3025b, 0xefe4b99bdcdaf5cb, 0xf13230a7ad094509, 0xf281773c59ffb139, 0xf3d28fde3a641a5a,
    0xf5257d152486cc2c, 0xf67a416c733f846d, 0xf7d0df730ad13bb8, 0xf92959bb5dd4ba74, 0xfa83b2db722a033a,
    0xfbdfed6ce5f09c48, 0xfd3e0c0cf486c174, 0xfe9e115c7b8f884b,
};

/* floor(2^64 * (2^(i/16384) - 1)). */
static const uint64_t exp2_fine[128] = {
    0x0000000000000000, 0x0002c5cc37da9491, 0x00058ba01fb9f96d, 0x0008517bb7b37f32, 0x000b175effdc76ba,
    0x000ddd49f84a311b, 0x0010a33ca111ffa5, 0x00136936fa4933e5, 0x00162f3904051fa1, 0x0018f542be5b14da,
    0x001bbb54296065cf, 0x001e816d452a64f6, 0x0021478e11ce6504, 0x00240db68f61b8e6, 0x0026d3e6bdf9b3c7,
    0x00299a1e9daba90a, 0x002c605e2e8cec50, 0x002f26a570b2d173, 0x0031ecf46432ac8a, 0x0034b34b0921d1e5,
    0x003779a95f959611, 0x003a400f67a34dd6, 0x003d067d21604e35, 0x003fccf28ce1ec6d, 0x0042936faa3d7df6,
    0x004559f479885885, 0x00482080fad7d209, 0x004ae7152e4140ac, 0x004dadb113d9fad3, 0x00507454abb7571f,
    0x00533afff5eeac6d, 0x005601b2f29551d2, 0x0058c86da1c09ea1, 0x005b8f300385ea68, 0x005e55fa17fa8cef,
    0x00611ccbdf33de3a, 0x0063e3a559473687, 0x0066aa868649ee50, 0x0069716f66515e4c, 0x006c385ff972df69,
    0x006eff583fc3cad4, 0x0071c658395979f4, 0x00748d5fe649466a, 0x0077546f46a88a14, 0x007a1b865a8c9f0a,
    0x007ce2a5220adfa0, 0x007fa9cb9d38a664, 0x008270f9cc2b4e20, 0x0085382faef831da, 0x0087ff6d45b4acd2,
    0x008ac6b290761a84, 0x008d8dff8f51d6a6, 0x00905554425d3d2b, 0x00931cb0a9adaa3f, 0x0095e414c5587a4c,
    0x0098ab80957309f5, 0x009b72f41a12b618, 0x009e3a6f534cdbd1, 0x00a101f24136d875, 0x00a3c97ce3e60994,
    0x00a6910f3b6fccfa, 0x00a958a947e980ae, 0x00ac204b096882f3, 0x00aee7f480023246, 0x00b1afa5abcbed61,
    0x00b4775e8cdb1336, 0x00b73f1f234502f7, 0x00ba06e76f1f1c0d, 0x00bcceb7707ebe1e, 0x00bf968f2779490b,
    0x00c25e6e94241cf2, 0x00c52655b6949a29, 0x00c7ee448ee02143, 0x00cab63b1d1c130f, 0x00cd7e39615dd096,
    0x00d0463f5bbabb1e, 0x00d30e4d0c483425, 0x00d5d662731b9d68, 0x00d89e7f904a58dd, 0x00db66a463e9c8b5,
    0x00de2ed0ee0f4f5f, 0x00e0f7052ed04f83, 0x00e3bf4126422c04, 0x00e68784d47a4802, 0x00e94fd0398e06d6,
    0x00ec18235592cc17, 0x00eee07e289dfb96, 0x00f1a8e0b2c4f95f, 0x00f4714af41d29b9, 0x00f739bcecbbf127,
    0x00fa02369cb6b468, 0x00fccab80422d876, 0x00ff93412315c284, 0x01025bd1f9a4d804, 0x0105246a87e57ea1,
    0x0107ed0acded1c41, 0x010ab5b2cbd11707, 0x010d7e6281a6d550, 0x01104719ef83bdb5, 0x01130fd9157d370b,
    0x0115d89ff3a8a861, 0x0118a16e8a1b7901, 0x011b6a44d8eb1072, 0x011e3322e02cd675, 0x0120fc089ff63308,
    0x0123c4f6185c8e62, 0x01268deb497550f8, 0x012956e83355e377, 0x012c1fecd613aecb, 0x012ee8f931c41c1a,
    0x0131b20d467c94c3, 0x01347b2914528264, 0x0137444c9b5b4ed4, 0x013a0d77dbac6427, 0x013cd6aad55b2cab,
    0x013f9fe5887d12e9, 0x01426927f52781a8, 0x014532721b6fe3e8, 0x0147fbc3fb6ba4e5, 0x014ac51d95303016,
    0x014d8e7ee8d2f12e, 0x015057e7f669541c, 0x01532158be08c509, 0x0155ead13fc6b05a, 0x0158b4517bb882af,
    0x015b7dd971f3a8e4, 0x015e4769228d9011, 0x016111008d9ba589,
};

/* The series' coefficients ln(2)^k / k!, scaled for an argument of y * 2^14 (all with 64 fractional bits). */
#define SERIES_1 UINT64_C(0xb17217f7d1cf79ab)
#define SERIES_2 UINT64_C(0x0000f5fdeffc162c)
#define SERIES_3 UINT64_C(0x00000000e35846b8)
#define SERIES_4 UINT64_C(0x0000000000009d95)

/* ln 2 with 128 fractional bits. */
#define LN2_HIGH UINT64_C(0xb17217f7d1cf79ab)
#define LN2_LOW UINT64_C(0xc9e3b39803f2f6af)

uint64_t exp2_up(uint64_t x) {
    uint64_t coarse = exp2_coarse[x >> 57];
    uint64_t fine = exp2_fine[x >> 50 & 127];
    uint64_t y = x << 14;
    uint64_t p = wide_high(y, SERIES_4) + SERIES_3;
    p = wide_high(y, p) + SERIES_2;
    p = wide_high(y, p) + SERIES_1;
    p = wide_high(y, p) >> 14;
    return coarse + wide_high(coarse, fine + p + wide_high(fine, p));
}

uint64_t exp2_floor32(uint64_t x, uint64_t r, uint64_t h) {
    MUST(r < h);
    uint64_t v = exp2_up(x);
    /* One unit more than the function's own error, for an x that is one below. */
    if (r == 0 || v >> 31 == (v + EXP2_ULPS + 1) >> 31)
        return v >> 31;
    return exp2_floor32_slow(r, h);
}

/* floor(a * b / 2^128), up to three units below it. */
static uwide high_of_squares(uwide a, uwide b) {
    uint64_t a_high = (uint64_t)(a >> 64), a_low = (uint64_t)a;
    uint64_t b_high = (uint64_t)(b >> 64), b_low = (uint64_t)b;
    return (uwide)a_high * b_high + wide_high(a_high, b_low) + wide_high(a_low, b_high);
}

/* The series of e^y - 1 at y = ln(2) * r/h, with 128 fractional bits. 40 terms of at most 5 units lost each: the
 * error is below 2^-119, and for r > 0 the true value is irrational, so it is never on an integer. */
uint64_t exp2_floor32_slow(uint64_t r, uint64_t h) {
    MUST(r < h && h < UINT64_C(1) << 63);
    uwide whole = (uwide)r << 64;
    uwide high = whole / h;
    uwide low = ((whole % h) << 64) / h;
    uwide y = high_of_squares(high << 64 | low, (uwide)LN2_HIGH << 64 | LN2_LOW);
    uwide term = y, sum = 0;
    for (unsigned k = 2; term != 0; k++) {
        sum += term;
        term = high_of_squares(term, y) / k;
    }
    return (UINT64_C(1) << 32) + (uint64_t)(sum >> 96);
}
