// Whether work that goes over many row tiles is still wanted.
#pragma once

namespace briskmlp {

// Worker 0 reports each tile it has done, with an estimate of the time that it took; every worker
// asks before each of its tiles.
class Watch {
  public:
    virtual ~Watch() = default;
    virtual void tile_done(double nanoseconds) = 0;
    virtual bool stopped() const = 0;
};

}  // namespace briskmlp
