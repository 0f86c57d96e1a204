// The shift of as_power, included by every vec_<isa>.h.
namespace briskmlp::BRISKMLP_ISA {
namespace {

// 1.5 2^m, whose unit is 1, and the bias of the exponent: the last bits of kPowerShift + n are
// those of 2^n's exponent.
template <class T>
constexpr T kPowerShift = sizeof(T) == 4 ? T{0x1.8p23f + 127.0f} : T(0x1.8p52 + 1023.0);

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
