// Made by coefficients.py, which says how; do not edit. Coefficients ascend.
// clang-format off
#pragma once

namespace briskmlp::BRISKMLP_ISA {
namespace {

template <class T>
struct Coefficients;

template <>
struct Coefficients<float> {
    // (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2
    static constexpr float kExpm1[] = {
        0x1.000000p-1f,
        0x1.555554p-3f,
        0x1.5554b8p-5f,
        0x1.111190p-7f,
        0x1.6d7208p-10f,
        0x1.a03346p-13f,
    };
    // (r coth(r / 2) - 2) / r^2 for |r| <= ln(2) / 2, in r^2
    static constexpr float kCoth[] = {
        0x1.55551ep-3f,
        -0x1.6aa4cap-9f,
    };
    // (2 atanh(s) - 2 s) / s^3 for s^2 <= 1/25, in s^2
    static constexpr float kLog[] = {
        0x1.555554p-1f,
        0x1.999be6p-2f,
        0x1.23e8e0p-2f,
        0x1.eda416p-3f,
    };
    // (2 atanh(s) - 2 s) / s^3 for s <= 1/3, in s^2
    static constexpr float kAtanh[] = {
        0x1.555500p-1f,
        0x1.99d2a2p-2f,
        0x1.1eb348p-2f,
        0x1.1f0760p-2f,
    };
    // (-log(1 - erf(t)) / t - 2 / sqrt(pi)) / t until erf(t) rounds to 1, in t - 2
    static constexpr float kErf[] = {
        0x1.8dd8f0p-1f,
        0x1.73e9f2p-5f,
        -0x1.1dd4c8p-7f,
        0x1.86ec12p-10f,
        -0x1.a635f6p-13f,
        0x1.48920ap-17f,
        0x1.0746dcp-19f,
        -0x1.3e1c48p-19f,
        0x1.3b1a0ap-20f,
    };
    // (tanh(t) - t) / t^3 for t <= kTanhSmall, in t^2; as many as of kExp2
    static constexpr float kTanh[] = {
        -0x1.555528p-2f,
        0x1.11075ap-3f,
        -0x1.b8b388p-5f,
        0x1.5a0d46p-6f,
        -0x1.d42190p-8f,
        0x1.79917ap-10f,
    };
    // (2^r - 1) / r for |r| <= 1/2, with what makes up for tanh's rounded 2 log2(e)
    static constexpr float kExp2[] = {
        0x1.62e430p-1f,
        0x1.ebfbe6p-3f,
        0x1.c6af12p-5f,
        0x1.3b2d86p-7f,
        0x1.5f3e9ap-10f,
        0x1.41f992p-13f,
    };
    // t Phi(-t) e^(t^2 / 2) / y, y = t / (t + kGeluBend), in y - 1/2
    static constexpr float kGeluTail[] = {
        0x1.5845dcp-1f,
        -0x1.535bb2p-1f,
        0x1.d7d0eep-4f,
        0x1.2ccdf2p-2f,
        -0x1.ec8dd6p-8f,
        -0x1.b94ec8p-3f,
        -0x1.ff96a2p-4f,
        0x1.aeea22p-4f,
        0x1.b68366p-3f,
        0x1.1a750cp-4f,
        -0x1.386fa0p-3f,
        -0x1.152fdep-3f,
    };
    // kGeluTail[0] + this is nearer to the best
    static constexpr float kGeluTailLow = 0x1.5a968ap-26f;
    static constexpr float kGeluBend = 2;
    static constexpr float kTanhSmall = 0x1.b333333333333p-1f;
};

template <>
struct Coefficients<double> {
    // (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2
    static constexpr double kExpm1[] = {
        0x1.000000p-1,
        0x1.5555555555559p-3,
        0x1.5555555555540p-5,
        0x1.111111110f6d7p-7,
        0x1.6c16c16c1f049p-10,
        0x1.a01a01afd3d8cp-13,
        0x1.a01a017bd5969p-16,
        0x1.71ddf87ec8656p-19,
        0x1.27e5360a1e4e4p-22,
        0x1.af5e74f87f33ep-26,
        0x1.1ee8bda65876ap-29,
    };
    // (r coth(r / 2) - 2) / r^2 for |r| <= ln(2) / 2, in r^2
    static constexpr double kCoth[] = {
        0x1.555555555553ep-3,
        -0x1.6c16c16bebd36p-9,
        0x1.1566aaf2551bfp-14,
        -0x1.bbd41c50bb41dp-20,
        0x1.637693781fdd0p-25,
    };
    // (2 atanh(s) - 2 s) / s^3 for s^2 <= 1/25, in s^2
    static constexpr double kLog[] = {
        0x1.5555555555552p-1,
        0x1.999999999b444p-2,
        0x1.249249227a164p-2,
        0x1.c71c742661c6bp-3,
        0x1.745c5f42f25cbp-3,
        0x1.3b338a0014357p-3,
        0x1.0debe6f1044e5p-3,
        0x1.1ac091cf27dcbp-3,
    };
    // (2 atanh(s) - 2 s) / s^3 for s <= 1/3, in s^2
    static constexpr double kAtanh[] = {
        0x1.555555555553cp-1,
        0x1.999999999f8d5p-2,
        0x1.24924920e575ap-2,
        0x1.c71c73f8f4195p-3,
        0x1.745cb824f76edp-3,
        0x1.3b1d8ecc50365p-3,
        0x1.106b3ded2a2cap-3,
        0x1.efa72270fbee7p-4,
        0x1.5673512fe16b2p-4,
        0x1.5bd4b4f8db361p-3,
    };
    // (-log(1 - erf(t)) / t - 2 / sqrt(pi)) / t until erf(t) rounds to 1, in t - 2
    static constexpr double kErf[] = {
        0x1.8dd8f03214ebep-1,
        0x1.73ea060f1be6ep-5,
        -0x1.1dd92e749aaadp-7,
        0x1.86881b1826486p-10,
        -0x1.a6c8bf47b0007p-13,
        0x1.9b584614dcbebp-17,
        0x1.21783f934c610p-18,
        -0x1.277de5a95a4b5p-19,
        0x1.55029749d86adp-21,
        -0x1.2365d586ef8bdp-23,
        0x1.5aec5ea0b26a1p-26,
        -0x1.8d9db86b588d4p-31,
        -0x1.c8eea039f1513p-31,
        0x1.a15e5ab4b187bp-32,
        -0x1.dcce224b9c196p-34,
        0x1.a39c875bf7953p-36,
        -0x1.efc0ca8e88c31p-39,
        -0x1.1f9ebed273b2dp-42,
        0x1.0c5ed1663b5aep-42,
        -0x1.65821543d0b3fp-46,
        0x1.373483bf912f8p-46,
        -0x1.e4f63b14430bdp-47,
        0x1.5b7ed8a1232d9p-50,
        0x1.a3a30d9f96993p-51,
        -0x1.21c2ab1a5887bp-53,
    };
    // (tanh(t) - t) / t^3 for t <= kTanhSmall, in t^2; as many as of kExp2
    static constexpr double kTanh[] = {
        -0x1.5555555555538p-2,
        0x1.111111110f381p-3,
        -0x1.ba1ba1b8c9603p-5,
        0x1.664f4845a8577p-6,
        -0x1.226e2ed67b85cp-7,
        0x1.d6d2ea34a61a4p-9,
        -0x1.7d9894b8c2399p-10,
        0x1.34fd4a4ae39cfp-11,
        -0x1.f13ea5e59b47bp-13,
        0x1.8457210b47332p-14,
        -0x1.12560f975dc14p-15,
        0x1.2b7c0c8a151afp-17,
        -0x1.65151e4a483b9p-20,
    };
    // (2^r - 1) / r for |r| <= 1/2, with what makes up for tanh's rounded 2 log2(e)
    static constexpr double kExp2[] = {
        0x1.62e42fefa39efp-1,
        0x1.ebfbdff82c591p-3,
        0x1.c6b08d704a0ccp-5,
        0x1.3b2ab6fba4e8ep-7,
        0x1.5d87fe78a670ep-10,
        0x1.430912f86a090p-13,
        0x1.ffcbfc58a6230p-17,
        0x1.62c02248ffb3dp-20,
        0x1.b5253ce1b763ep-24,
        0x1.e4cef8d3c671fp-28,
        0x1.e8cbc5f0b646cp-32,
        0x1.c4c4778571bb7p-36,
        0x1.809554d6369a5p-40,
    };
    // t Phi(-t) e^(t^2 / 2) / y, y = t / (t + kGeluBend), in y - 1/2
    static constexpr double kGeluTail[] = {
        0x1.754a751a56f4ap-1,
        -0x1.04c7295a48f33p+0,
        0x1.d71387c654c78p-1,
        -0x1.832dbf699246bp-2,
        -0x1.56d8e3d7e6b66p-3,
        0x1.c8f52c321efdbp-3,
        0x1.0d608c825e141p-4,
        -0x1.12285ef6a53f4p-3,
        -0x1.0d09e7bb85b68p-4,
        0x1.43c9e7df2297cp-4,
        0x1.4a90082d68b68p-4,
        -0x1.bc77225377474p-6,
        -0x1.5b136f77485f1p-4,
        -0x1.d81dedf187fe4p-6,
        0x1.e7dbdacf816bcp-5,
        0x1.2ecc3924209b6p-4,
        0x1.3212fb2a09b87p-10,
        -0x1.3d8726e924eecp-4,
        -0x1.32595b4eba41bp-4,
        0x1.4e5c7ec62882fp-6,
        0x1.c17ce42373ddcp-4,
        0x1.fc8a6a5e55c64p-5,
        -0x1.3058aad47fd72p-4,
        -0x1.63ebfa39bbf4bp-4,
        0x1.02700d4b7a839p-6,
        0x1.24b160afa4c48p-5,
    };
    // kGeluTail[0] + this is nearer to the best
    static constexpr double kGeluTailLow = -0x1.5a6ff4f44a1d1p-55;
    static constexpr double kGeluBend = 3;
    static constexpr double kTanhSmall = 0x1.8f5c28f5c28f6p-1;
};

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
