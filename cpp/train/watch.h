// Whether work that goes over many row tiles is still wanted.
#pragma once

namespace briskmlp {

// Worker 0 reports each piece of work that it does, row tiles or a whole step, with an estimate of
// its time. Workers that ask whether to stop must then agree with each other.
class Watch {
  public:
    virtual ~Watch() = default;
    virtual void tile_done(double nanoseconds) = 0;
    virtual bool stopped() const = 0;
};

}  // namespace briskmlp
