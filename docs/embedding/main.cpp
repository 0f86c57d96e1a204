// A network learns the sine and predicts it, without Python.
#include <cmath>
#include <cstdio>
#include <vector>

#include "nn/predict.h"
#include "train/fit.h"

using namespace briskmlp;

// What follows a fit: here, nothing but the last epoch's loss matters.
class Quiet : public FitObserver {
  public:
    bool epoch_done(const EpochReport&) override { return false; }
    const double* rate_factors(index_t, index_t) override { return nullptr; }
    bool interrupted() override { return false; }
};

int main() {
    constexpr index_t kRows = 2000;
    std::vector<float> x(kRows), y(kRows);
    for (index_t i = 0; i < kRows; ++i) {
        x[i] = 6.2831853f * static_cast<float>(i) / kRows;
        y[i] = std::sin(x[i]);
    }

    Network<float> net({{1, 32, 32, 1},
                        {Activation::kTanh, Activation::kTanh, Activation::kIdentity},
                        Loss::kMse});
    net.initialize(0, Initializer::kAuto);

    Dataset<float> data{};
    data.x = {x.data(), DType::kFloat32, kRows, 1, sizeof(float), sizeof(float)};
    data.y = {nullptr, y.data(), 1, nullptr};
    FitOptions options{};
    options.epochs = 100;
    options.batch_size = 32;
    options.shuffle = true;
    options.batches_per_step = 1;
    options.optimizer.learning_rate = 0.003;
    options.threads = 1;
    Training<float> training;
    Quiet observer;
    const FitResult result = fit<float>(net, training, data, nullptr, options, observer);
    std::printf("loss %.6f after %td epochs\n", result.epochs.back().loss, result.epoch);

    const float at = 1.5707963f;
    float prediction = 0;
    predict_row(net, &at, Output::kTarget, &prediction);
    std::printf("sin(pi / 2) is about %.3f\n", prediction);
    return std::fabs(prediction - 1) < 0.05f ? 0 : 1;
}
